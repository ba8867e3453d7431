-- Stands before the scripts that read the order of polls, as bridge/store/poll_order.py documents it.
local TIER_SPAN = 8796093022208

local function tier_of(score)
  return math.floor(score / TIER_SPAN)
end

local function moment_of(score)
  return score % TIER_SPAN
end

-- Return the first imports of each tier that has any: a list of {id, score, ...}, at most `count` of them, for each.
-- A list may run on into the next tier.
local function first_of_each_tier(due, count)
  local lists, from = {}, 0
  while true do
    local list = redis.call('ZRANGEBYSCORE', due, from, '+inf', 'WITHSCORES', 'LIMIT', 0, count)
    if not list[1] then
      return lists
    end
    lists[#lists + 1] = list
    from = (tier_of(list[2]) + 1) * TIER_SPAN
  end
end
