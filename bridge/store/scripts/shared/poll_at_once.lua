-- Make an import due at once. Precedes the scripts that need it; poll_order.lua precedes it.

-- Schedule an import's next poll for now, in the first tier. If Rally's last answer had a Retry-After, the poll waits for
-- its end. Every commit until the next claim keeps that time: its answer may be older than this call.
local function poll_at_once(import, imports_due, imports_leased, import_id, now)
  if not redis.call('ZSCORE', imports_due, import_id) then
    return
  end
  redis.call('HSET', import, 'poll_again', now)
  local leased = redis.call('ZSCORE', imports_leased, import_id)
  if not (leased and tonumber(leased) > now) then
    local record = redis.call('HMGET', import, 'retry_at', 'by_rule')
    local due = first_tier(record[2]) + math.max(now, tonumber(record[1] or 0))
    redis.call('ZADD', imports_due, 'LT', due, import_id)
  end
end
