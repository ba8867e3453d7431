-- Commit what polls found, each only under its own fence and while its import is open.
-- KEYS: imports due, imports leased, settling, final, then an import key for each poll
-- ARGV: offset, settle by (when someone else may settle a final import), number of polls, then for each:
--       import id, settling member, fence, place in the order of polls or 0 (final), number of further arguments,
--       field, value, ... (a new reading comes first)
-- Returns: a list of 1 (committed) or 0 (the fence has moved on, or nobody waits any more)
local now = clock()
local at, committed = 4, {}
local again, released = {}, {}
for i = 1, tonumber(ARGV[3]) do
  local id, member, fence, due, extra = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  local key = KEYS[4 + i]
  local record = redis.call('HMGET', key, 'fence', 'state')
  committed[i] = 0
  if record[1] == fence and record[2] == 'open' then
    committed[i] = 1
    if due == '0' then
      redis.call('HSET', key, 'state', 'final', 'final_at', now, unpack(ARGV, at + 5, at + 4 + extra))
      redis.call('ZREM', KEYS[1], id)
      redis.call('ZADD', KEYS[3], ARGV[2], member)
      redis.call('ZADD', KEYS[4], now, member)
    else
      redis.call('HSET', key, unpack(ARGV, at + 5, at + 4 + extra))
      again[#again + 1] = due
      again[#again + 1] = id
    end
    released[#released + 1] = id
    if ARGV[at + 5] == 'reading' then
      redis.call('PUBLISH', 'rb:news', 'import:' .. member)
    end
  elseif not record[1] then
    released[#released + 1] = id
  end
  at = at + 5 + extra
end
if #again > 0 then
  redis.call('ZADD', KEYS[1], unpack(again))
end
if #released > 0 then
  redis.call('ZREM', KEYS[2], unpack(released))
end
return committed
