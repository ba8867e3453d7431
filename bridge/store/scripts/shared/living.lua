-- Precedes the scripts about living messages: messages in Slack that are edited while an import runs, one for each
-- receiver and import. A member is `<receiver>:<workspace>:<import>`.
-- A message waits in one queue: in WAITING to be posted, in SHOWN to be edited, in ENDING for its last edit. It is in
-- none while it is frozen or given up and its import runs.
local LIVING = 'rb:living:'
local WAITING, SHOWN, ENDING = 'rb:living:in:waiting', 'rb:living:in:shown', 'rb:living:in:ending'
local POSTED_AFTER, END_LOOKED_AFTER, EDITED_EVERY = 60000, 3000, 60000
-- The names under which posts and edits of the whole app are paced, like lanes.
local POSTS, EDITS = 'living:posts', 'living:edits'

local function leave_living_queues(member)
  for _, queue in ipairs({WAITING, SHOWN, ENDING}) do
    redis.call('ZREM', queue, member)
  end
end

-- Let a watch share the living messages of its import. `places` is a list of receivers, each followed by its lane.
local function join_living(watch, places, import_member, now)
  local receivers = {}
  for receiver, lane in string.gmatch(places, '(%S+) (%S+)') do
    local member = receiver .. ':' .. import_member
    local key = LIVING .. member
    local phase, answer_by = unpack(redis.call('HMGET', key, 'phase', 'answer_by'))
    if not phase then
      redis.call('HSET', key, 'phase', 'waiting', 'lane', lane)
      redis.call('ZADD', WAITING, now + POSTED_AFTER, member)
    elseif phase == 'shown' or phase == 'ended' then
      redis.call('HSET', key, 'phase', 'shown', 'words', '')
      redis.call('ZREM', ENDING, member)
      redis.call('ZADD', SHOWN, 'NX', math.max(now, tonumber(answer_by or 0)), member)
    elseif phase ~= 'waiting' and phase ~= 'posting' then
      redis.call('ZREM', ENDING, member)
    end
    redis.call('HDEL', key, 'ended_by')
    redis.call('HINCRBY', key, 'watches', 1)
    redis.call('PERSIST', key)
    receivers[#receivers + 1] = receiver
  end
  redis.call('HSET', watch, 'living', table.concat(receivers, ' '))
end

-- A watch has ended: the last one ends the living messages of its import. One that was settled before may know better how,
-- if the last one was cancelled.
local function leave_living(receivers, import_member, watch_id, is_settled, now)
  for receiver in string.gmatch(receivers, '%S+') do
    local member = receiver .. ':' .. import_member
    local key = LIVING .. member
    local phase, answer_by = unpack(redis.call('HMGET', key, 'phase', 'answer_by'))
    if phase and is_settled then
      redis.call('HSET', key, 'settled_by', watch_id)
    end
    if phase and redis.call('HINCRBY', key, 'watches', -1) <= 0 then
      if phase == 'waiting' then
        redis.call('DEL', key)
        redis.call('ZREM', WAITING, member)
      else
        redis.call('HSET', key, 'ended_by', watch_id, 'failures', 0) -- the tries of the last edit count anew
        if phase ~= 'posting' then
          redis.call('ZREM', SHOWN, member)
          redis.call('ZADD', ENDING, math.max(now + END_LOOKED_AFTER, tonumber(answer_by or 0)), member)
        end
      end
    end
  end
end
