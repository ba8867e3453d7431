-- Commit what became of a claimed living message, only under its fence, and queue it for what is next.
-- Arguments: `due` is the time of the next look; `was_ending` is 1 if the claim was for its last edit, and `is_over` 1 if
-- nothing more is done with it once no watch waits; then it is kept for `kept_for` ms. Further arguments: field, value, ...
-- Returns: 1, or 0 when the fence has been replaced
local living = unpack(KEYS)
local member, fence, phase, due, was_ending, is_over, kept_for = unpack(ARGV, 1, 7)
local FIRST_FIELD = 8
local now = clock()
local stored, watches = unpack(redis.call('HMGET', living, 'fence', 'watches'))
if stored ~= fence then
  return 0
end
redis.call('HDEL', living, 'fence', 'answer_by')
leave_living_queues(member)
watches, due = tonumber(watches), tonumber(due)
if watches > 0 and phase == 'ended' then
  phase, due = 'shown', now + EDITED_EVERY -- a watch has joined it meanwhile
end
redis.call('HSET', living, 'phase', phase, unpack(ARGV, FIRST_FIELD))
if watches > 0 then
  if phase == 'waiting' or phase == 'shown' then
    redis.call('ZADD', phase == 'waiting' and WAITING or SHOWN, due, member)
  end
elseif phase == 'waiting' then
  redis.call('DEL', living)
elseif was_ending == '1' and is_over == '1' then
  redis.call('PEXPIRE', living, kept_for)
elseif was_ending == '1' then
  redis.call('ZADD', ENDING, due, member)
else
  redis.call('HSET', living, 'failures', 0) -- the tries of the last edit count anew
  redis.call('ZADD', ENDING, now + END_LOOKED_AFTER, member)
end
return 1
