-- Reserve an edit of a message, if the limits of Slack allow it now.
-- Arguments: `spacing` is the shortest time between two edits of the app; 0 only asks, and reserves none.
-- Returns: 0 to go on, or the ms to wait
local spacing = unpack(ARGV)
local now = clock()
local wait = paced_until(EDITS, now) - now
if wait > 0 then
  return wait
end
if spacing ~= '0' then
  pace(EDITS, tonumber(spacing), now)
end
return 0
