-- Have an import polled now, before others of longer pauses, if it is being polled and not asked about just now.
-- KEYS: imports due, imports leased
-- ARGV: offset, import id
local now = clock()
local leased = redis.call('ZSCORE', KEYS[2], ARGV[2])
if redis.call('ZSCORE', KEYS[1], ARGV[2]) and not (leased and tonumber(leased) > now) then
  redis.call('ZADD', KEYS[1], 'LT', now, ARGV[2]) -- of the first tier
end
return now
