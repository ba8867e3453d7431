-- Mark that Rally has pushed the end of an import, if it is polled, and schedule its next poll for now.
-- Returns: 1, or 0 if it is not polled
local import, imports_due, imports_leased = unpack(KEYS)
local import_id = unpack(ARGV)
return mark_pushed(import, imports_due, imports_leased, import_id, clock()) and 1 or 0
