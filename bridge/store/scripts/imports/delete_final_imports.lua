-- Delete final imports whose reading is too old to answer new watches and that no open watch waits for.
-- Returns: the number deleted
local final = unpack(KEYS)
local reuse, count, import_prefix, waiting_prefix = unpack(ARGV)
local members = redis.call('ZRANGEBYSCORE', final, '-inf', clock() - tonumber(reuse), 'LIMIT', 0, count)
local deleted = 0
for _, member in ipairs(members) do
  local key = import_prefix .. member
  if redis.call('EXISTS', waiting_prefix .. member) == 0 then
    if redis.call('HGET', key, 'state') == 'final' then
      redis.call('DEL', key, 'rb:notes:' .. member)
    end
    redis.call('ZREM', final, member)
    deleted = deleted + 1
  end
end
return deleted
