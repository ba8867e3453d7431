-- Schedule an import's next poll for now, in the first tier, unless it is not polled at all or a poll is in progress.
-- If Rally's last answer had a Retry-After, the poll waits for its end.
local import, imports_due, imports_leased = unpack(KEYS)
local import_id = unpack(ARGV)
local now = clock()
local leased = redis.call('ZSCORE', imports_leased, import_id)
if redis.call('ZSCORE', imports_due, import_id) and not (leased and tonumber(leased) > now) then
  local retry_at = tonumber(redis.call('HGET', import, 'retry_at') or 0)
  redis.call('ZADD', imports_due, 'LT', math.max(now, retry_at), import_id)
end
return now
