-- Schedule an import's next poll for now, in the first tier, unless it is not polled at all or a poll is in progress.
local imports_due, imports_leased = unpack(KEYS)
local import_id = unpack(ARGV)
local now = clock()
local leased = redis.call('ZSCORE', imports_leased, import_id)
if redis.call('ZSCORE', imports_due, import_id) and not (leased and tonumber(leased) > now) then
  redis.call('ZADD', imports_due, 'LT', now, import_id)
end
return now
