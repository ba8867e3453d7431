-- Begin a request that adds watches to a batch. One with an Idempotency-Key adds to the batch that the same request began
-- before.
-- Arguments: `id` is that of a new batch, and stands for this request; `added_within` ms from now the request has ended,
-- whatever happened to it; `key_kept_for` is 0 without a key.
-- Returns: the id of the batch
local batch_of_key = unpack(KEYS)
local id, added_within, key_kept_for = unpack(ARGV)
local batch = id
if key_kept_for ~= '0' then
  redis.call('SET', batch_of_key, id, 'NX', 'PX', key_kept_for)
  batch = redis.call('GET', batch_of_key)
end
join_batch(batch, id, clock() + tonumber(added_within))
return batch
