-- The order of polls: which imports are polled first when more are due than the budget allows. Precedes the scripts that
-- need it. An import's score consists of its tier and its due time (bridge/store/poll_scores.py); a tier contains the
-- imports whose pauses differ by less than a factor of two (bridge/domain/polling/poll_tiers.py). The imports that only rules
-- watch have tiers of their own, after the others.
local TIER_SPAN = 8796093022208
local TIERS = 16
local RULES = TIERS * TIER_SPAN

local function tier_of(score)
  return math.floor(score / TIER_SPAN)
end

-- Return the score at which the first tier begins; `by_rule` is '1' for an import that only rules watch.
local function first_tier(by_rule)
  return by_rule == '1' and RULES or 0
end

local function moment_of(score)
  return score % TIER_SPAN
end

-- Return for each tier that has imports a list of its first `count`: {id, score, ...}.
-- A list may continue into the next tier. The scores are limited to those from `from` to below `to`.
local function first_of_each_tier(due, count, from, to)
  local lists = {}
  from, to = from or 0, string.format('(%.0f', to or 2 * RULES)
  while true do
    local list = redis.call('ZRANGEBYSCORE', due, from, to, 'WITHSCORES', 'LIMIT', 0, count)
    if not list[1] then
      return lists
    end
    lists[#lists + 1] = list
    from = (tier_of(list[2]) + 1) * TIER_SPAN
  end
end

-- Return the ids and scores of at most `count` imports that are due, the most urgent first: those with the highest
-- lateness / √pause. `by_rule` is '1' for those that only rules watch, otherwise the others are meant.
local function most_urgent(imports_due, count, now, by_rule)
  local from = first_tier(by_rule)
  local lists, at, chosen = first_of_each_tier(imports_due, count, from, from + RULES), {}, {}
  local function urgency(n)
    local score = lists[n][at[n] + 1]
    local late = score and tier_of(score) == tier_of(lists[n][2]) and now - moment_of(score) or -1
    return late / 2 ^ (tier_of(lists[n][2]) % TIERS / 2)
  end
  for n = 1, #lists do
    at[n] = 1
  end
  while #chosen < 2 * count do
    local most, highest
    for n = 1, #lists do
      local own = urgency(n)
      if own >= 0 and (not most or own > highest) then
        most, highest = n, own
      end
    end
    if not most then
      break
    end
    chosen[#chosen + 1] = lists[most][at[most]]
    chosen[#chosen + 1] = lists[most][at[most] + 1]
    at[most] = at[most] + 2
  end
  return chosen
end

-- Return the id and score of an import whose own polls did not fail, due or not; of any import if there is none among
-- the first of each tier.
local CANDIDATES = 1000 -- a client may have many imports that always fail
local function probe(imports_due, imports_leased, import_prefix, now)
  local sound, any = {}, {}
  for _, list in ipairs(first_of_each_tier(imports_due, CANDIDATES)) do
    for i = 1, #list, 2 do
      local id, score = list[i], list[i + 1]
      local at = tier_of(score) == tier_of(list[2]) and moment_of(score)
      if at and tonumber(redis.call('ZSCORE', imports_leased, id) or 0) <= now then
        if not any[1] or at < moment_of(any[2]) then
          any = {id, score}
        end
        if (not sound[1] or at < moment_of(sound[2])) and redis.call('HGET', import_prefix .. id, 'faults') == '0' then
          sound = {id, score}
        end
      end
    end
  end
  return sound[1] and sound or any
end
