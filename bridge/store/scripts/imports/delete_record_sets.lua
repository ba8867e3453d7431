-- Delete sets of failed records that neither their import nor a watch refers to; check the others again later.
-- Further arguments: the sets to check; without any, at most `count` sets whose time has come, or lies too far ahead
-- because the clock was set back.
-- Returns: the number deleted
local record_sets = unpack(KEYS)
local count, checked_every, record_set_prefix, import_prefix, watch_prefix, about_prefix = unpack(ARGV, 1, 6)
local FIRST_MEMBER = 7
local now = clock()
local next_check = now + tonumber(checked_every)

local function is_used(set, import_member)
  if redis.call('HGET', import_prefix .. import_member, 'record_set') == set then
    return true
  end
  local workspace, import_id = string.match(import_member, '^([^:]*):(.*)$')
  for _, id in ipairs(redis.call('ZRANGE', about_prefix .. import_id, 0, -1)) do
    local watch = redis.call('HMGET', watch_prefix .. id, 'record_set', 'workspace')
    if watch[1] == set and watch[2] == workspace then
      return true
    end
  end
  return false
end

local members = {unpack(ARGV, FIRST_MEMBER)}
if #members == 0 then
  members = redis.call('ZRANGEBYSCORE', record_sets, '-inf', now, 'LIMIT', 0, count)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', record_sets, '(' .. next_check, '+inf', 'LIMIT', 0, count)) do
    members[#members + 1] = member
  end
end
local deleted = 0
for _, member in ipairs(members) do
  local set, import_member = string.match(member, '^(%x+):(.*)$')
  if is_used(set, import_member) then
    redis.call('ZADD', record_sets, next_check, member)
  else
    deleted = deleted + redis.call('DEL', record_set_prefix .. member)
    redis.call('ZREM', record_sets, member)
  end
end
return deleted
