-- Begin a post or an edit of a claimed living message, if the limits of Slack allow it now. The intent of a post is
-- written here: without its answer there is no second one.
-- Arguments: `is_post` is 1 for a post; `spacing` is the shortest time between two posts, or edits, of the app.
-- Returns: 0 to go on; the ms to wait; -1 if the claim is not valid any more, or no watch waits for a post
local living = unpack(KEYS)
local fence, is_post, spacing = unpack(ARGV)
local now = clock()
local stored, phase, lane, watches = unpack(redis.call('HMGET', living, 'fence', 'phase', 'lane', 'watches'))
if stored ~= fence or (is_post == '1') ~= (phase == 'waiting') or (is_post == '1' and tonumber(watches) <= 0) then
  return -1
end
local name = is_post == '1' and POSTS or EDITS
local wait = paced_until(name, now) - now
if is_post == '1' then
  local limit, lane_spacing = lane_limits(lane)
  wait = math.max(wait, paced_until(lane, now) - now)
  redis.call('ZREMRANGEBYSCORE', lane_key(lane) .. ':leased', '-inf', now)
  if wait <= 0 and redis.call('ZCARD', lane_key(lane) .. ':leased') >= limit then
    wait = 1000
  end
  if wait <= 0 then
    pace(lane, lane_spacing, now)
    if redis.call('EXISTS', lane_key(lane)) == 1 then
      reschedule(lane, now)
    end
    redis.call('HSET', living, 'phase', 'posting')
  end
end
if wait > 0 then
  return wait
end
pace(name, tonumber(spacing), now)
return 0
