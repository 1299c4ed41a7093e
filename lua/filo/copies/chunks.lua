---Chunks: the pieces in which content is hashed, fetched and verified. How long one is, the store says.

local chunks = {}

local HASH = 32 -- bytes of a chunk's hash

---How many there are.
---@param host filo.Host
---@param size integer  bytes of content
---@return integer
function chunks.count(host, size)
  local chunk = host.store.chunk_size
  return (size + chunk - 1) // chunk
end

---How many bytes lie before chunk `first`, the first being 0; all of them when there are not so many.
---@return integer
function chunks.before(host, size, first)
  return math.min(size, first * host.store.chunk_size)
end

---How many bytes a transfer of an object moves: the hash list or not, and chunks from `first` on.
---@param hashes boolean
---@param count? integer  of chunks; all when left out
---@return integer
function chunks.bytes_of(host, size, hashes, first, count)
  local last = count and chunks.before(host, size, first + count) or size
  return (hashes and chunks.count(host, size) * HASH or 0) + last - chunks.before(host, size, first)
end

return chunks
