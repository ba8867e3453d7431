-- Delete stored replies of idempotent requests that are older than `replayed_for` ms.
-- Returns: the number deleted
local replays = unpack(KEYS)
local replayed_for, count = unpack(ARGV)
local expired = redis.call('ZRANGEBYSCORE', replays, '-inf', clock() - tonumber(replayed_for), 'LIMIT', 0, count)
for _, key in ipairs(expired) do
  redis.call('DEL', key)
  redis.call('ZREM', replays, key)
end
return #expired
