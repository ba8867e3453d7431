-- Commit what polls found, each only under its own fence and while its import is open.
-- KEYS: imports due, imports leased, settling, final, budget, then an import key for each poll
-- ARGV: offset, settle by (when someone else may settle a final import), number of polls, then for each:
--       import id, settling member, fence, due or 0 (final), wish or '', number of further arguments, field, value, ...
--       (a new reading comes first)
-- Returns: a list of 1 (committed) or 0 (the fence has moved on, or nobody waits any more)
local now = clock()
local at, committed, demand = 4, {}, 0
local again, released = {}, {}
for i = 1, tonumber(ARGV[3]) do
  local id, member, fence, due, wish = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  local extra = tonumber(ARGV[at + 5])
  local key = KEYS[5 + i]
  local record = redis.call('HMGET', key, 'fence', 'state', 'wish')
  committed[i] = 0
  if record[1] == fence and record[2] == 'open' then
    committed[i] = 1
    local wished = tonumber(record[3])
    wish = wish or wished
    demand = demand + wish - wished
    if due == '0' then
      redis.call('HSET', key, 'state', 'final', 'final_at', now, 'wish', 0, unpack(ARGV, at + 6, at + 5 + extra))
      redis.call('ZREM', KEYS[1], id)
      redis.call('ZADD', KEYS[3], ARGV[2], member)
      redis.call('ZADD', KEYS[4], now, member)
    else
      redis.call('HSET', key, 'wish', wish, unpack(ARGV, at + 6, at + 5 + extra))
      again[#again + 1] = due
      again[#again + 1] = id
    end
    released[#released + 1] = id
    if ARGV[at + 6] == 'reading' then
      redis.call('PUBLISH', 'rb:news', 'import:' .. member)
    end
  elseif not record[1] then
    released[#released + 1] = id
  end
  at = at + 6 + extra
end
if #again > 0 then
  redis.call('ZADD', KEYS[1], unpack(again))
end
if #released > 0 then
  redis.call('ZREM', KEYS[2], unpack(released))
end
if demand ~= 0 then
  redis.call('HINCRBY', KEYS[5], 'demand', demand)
end
return committed
