-- Precedes the scripts that read the order of polls, which bridge/store/poll_scores.py documents.
local TIER_SPAN = 8796093022208

local function tier_of(score)
  return math.floor(score / TIER_SPAN)
end

local function moment_of(score)
  return score % TIER_SPAN
end

-- Return for each tier that has imports a list of its first `count`: {id, score, ...}.
-- A list may continue into the next tier.
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
