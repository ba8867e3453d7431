-- End a request that added watches to a batch. If they have all ended, what is gathered of them is due.
-- Arguments: `request` is the id that begin_batch_request.lua got.
local batch, request = unpack(ARGV)
local now = clock()
if leave_batch(batch, request, now) then
  complete_batch(batch, now)
end
return 1
