-- Have a lane be doubtful whose receiver is late with an answer: nothing more goes there meanwhile.
-- ARGV: offset, lane
local now = clock()
note(ARGV[2], 'failing')
reschedule(ARGV[2], now)
