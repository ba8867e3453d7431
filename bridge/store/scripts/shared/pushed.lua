-- The mark that Rally has pushed the end of an import. Precedes the scripts that need it; poll_at_once.lua precedes it.

-- Mark a polled import as pushed and schedule its next poll for now. Return whether it is polled.
-- `pushed_polls` is the number of its polls that were begun before the push.
local function mark_pushed(import, imports_due, imports_leased, import_id, now)
  local record = redis.call('HMGET', import, 'state', 'polls')
  if record[1] ~= 'open' then
    return false
  end
  local leased = tonumber(redis.call('ZSCORE', imports_leased, import_id) or 0)
  redis.call('HSET', import, 'pushed_at', now, 'pushed_polls', record[2] + (leased > now and 1 or 0))
  poll_at_once(import, imports_due, imports_leased, import_id, now)
  return true
end
