-- Commit poll results, each only under its own fence and while its import is open.
-- Further keys: the import's key for each poll.
-- Arguments: `settle_by` is the time after which another worker may settle a final import. Further arguments, for each
-- poll: import id, settling member, fence, score in the order of polls or 0 (final), 1 to publish the change, number of
-- further arguments, field, value, ...
-- Returns: a list of 1 (committed) or 0 (the fence has been replaced, or the import is no longer watched)
local imports_due, imports_leased, settling, final = unpack(KEYS, 1, 4)
local settle_by, polls = unpack(ARGV, 1, 2)
local FIRST_IMPORT, at = 5, 3
local now = clock()
local committed, rescheduled, released = {}, {}, {}
for i = 1, tonumber(polls) do
  local id, member, fence, due, news = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local extra = tonumber(ARGV[at + 5])
  local key = KEYS[FIRST_IMPORT - 1 + i]
  local record = redis.call('HMGET', key, 'fence', 'state')
  committed[i] = 0
  if record[1] == fence and record[2] == 'open' then
    committed[i] = 1
    if due == '0' then
      redis.call('HSET', key, 'state', 'final', 'final_at', now, unpack(ARGV, at + 6, at + 5 + extra))
      redis.call('ZREM', imports_due, id)
      redis.call('ZADD', settling, settle_by, member)
      redis.call('ZADD', final, now, member)
    else
      redis.call('HSET', key, unpack(ARGV, at + 6, at + 5 + extra))
      rescheduled[#rescheduled + 1] = due
      rescheduled[#rescheduled + 1] = id
    end
    released[#released + 1] = id
    if news == '1' then
      redis.call('PUBLISH', 'rb:changes', 'import:' .. member)
    end
  elseif not record[1] then
    released[#released + 1] = id
  end
  at = at + 6 + extra
end
if #rescheduled > 0 then
  redis.call('ZADD', imports_due, unpack(rescheduled))
end
if #released > 0 then
  redis.call('ZREM', imports_leased, unpack(released))
end
return committed
