-- Store the heartbeat of a process as '<now> <facts>', and delete the heartbeats that are too old to be listed.
-- Arguments: `remembered_for` in ms.
local processes = unpack(KEYS)
local process_id, facts, remembered_for = unpack(ARGV)
local now = clock()
redis.call('HSET', processes, process_id, now .. ' ' .. facts)
local all = redis.call('HGETALL', processes)
for i = 1, #all, 2 do
  local at = tonumber(string.match(all[i + 1], '^%d+'))
  if at < now - tonumber(remembered_for) then
    redis.call('HDEL', processes, all[i])
  end
end
return now
