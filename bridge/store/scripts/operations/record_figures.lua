-- Add to the figures of this minute and of this hour, which expire by themselves.
-- Arguments: `minutes_kept` and `hours_kept` in ms; `sums` is the number of counts that grow. Further arguments: name, growth,
-- ... of these, then name, value, ... of what is no sum.
local minutes_kept, hours_kept, sums = unpack(ARGV, 1, 3)
local FIRST, MINUTE, HOUR = 4, 60000, 3600000
local now = clock()
local function add(prefix, length, kept)
  local key = prefix .. now - now % length
  for i = FIRST, #ARGV, 2 do
    if i < FIRST + 2 * tonumber(sums) then
      redis.call('HINCRBY', key, ARGV[i], ARGV[i + 1])
    else
      redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    end
  end
  redis.call('PEXPIRE', key, kept + length)
end
add('rb:figures:minute:', MINUTE, tonumber(minutes_kept))
add('rb:figures:hour:', HOUR, tonumber(hours_kept))
return 1
