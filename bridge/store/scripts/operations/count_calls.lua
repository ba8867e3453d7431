-- Count calls of a client in this minute: all of them, or none if fewer are left.
-- Returns: 0 if they were counted, else the ms until the next minute
local calls = unpack(KEYS)
local limit, count = unpack(ARGV)
return count_calls(calls, limit, count, clock())
