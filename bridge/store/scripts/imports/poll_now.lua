-- Schedule an import's next poll for now, unless it is not polled at all.
local import, imports_due, imports_leased = unpack(KEYS)
local import_id = unpack(ARGV)
local now = clock()
poll_at_once(import, imports_due, imports_leased, import_id, now)
return now
