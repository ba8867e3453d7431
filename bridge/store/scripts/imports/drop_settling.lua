-- Remove an import from those to be settled unless an open watch waits for it: one may have been accepted meanwhile.
-- Returns: the number removed
local settling, waiting = unpack(KEYS)
local member = unpack(ARGV)
if redis.call('EXISTS', waiting) == 1 then
  return 0
end
return redis.call('ZREM', settling, member)
