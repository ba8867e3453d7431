-- Stands behind a script that is run for many calls in one trip; `step` is that script. Each call stands by itself: what
-- one trips over leaves the others as they are.
-- KEYS: the keys of all calls, one after the other
-- ARGV: offset, then for each call how many keys it has, how many arguments, and these arguments
-- Returns: for each call what the script returns, or the error that it met
local function part(list, first, count, into)
  for i = first, first + count - 1 do
    into[#into + 1] = list[i]
  end
  return into
end

local answers, key, at = {}, 1, 2
while at <= #ARGV do
  local keys, args = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local done, answer = pcall(step, part(KEYS, key, keys, {}), part(ARGV, at + 2, args, {ARGV[1]}))
  if not done and type(answer) ~= 'table' then
    answer = {err = 'ERR ' .. tostring(answer)}
  end
  if answer == nil then
    answer = false -- nothing would leave a gap, into which the next answer slips
  end
  answers[#answers + 1] = answer
  key, at = key + keys, at + 2 + args
end
return answers
