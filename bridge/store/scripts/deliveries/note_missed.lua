-- Note for a rule's summary that an import was pushed only when its end was no news any more, for each receiver whose
-- summaries have not told it.
-- Arguments: `problem` is 1 if it had failures according to the push. Further arguments: receiver, the name of the summary...
-- Returns: the number of summaries that will tell it
local told, summaries_due = unpack(KEYS)
local member, problem, due_after = unpack(ARGV, 1, 3)
local FIRST_RECEIVER = 4
local now = clock()
local noted = 0
for i = FIRST_RECEIVER, #ARGV, 2 do
  local receiver, name = ARGV[i], ARGV[i + 1]
  if redis.call('ZADD', told, now, receiver .. ' ' .. member) == 1 then
    redis.call('ZADD', 'rb:missed:' .. name, 1 - problem, member)
    redis.call('ZADD', summaries_due, 'NX', now + due_after, name)
    noted = noted + 1
  end
end
return noted
