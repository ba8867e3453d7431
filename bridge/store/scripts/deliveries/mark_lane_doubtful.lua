-- Mark a lane as doubtful because its receiver is slow to answer: nothing more is sent there meanwhile.
local lane = unpack(ARGV)
set_last_result(lane, 'failing')
reschedule(lane, clock())
