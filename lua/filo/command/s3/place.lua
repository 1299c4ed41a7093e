---What a request is about: a bucket and a key, of its path, or of the host that it was sent to.

local place = {}

---@param request filo.http.Request
---@param domain string  in whose names buckets are
---@return string? bucket  nil: it is about all of them
---@return string? key  nil: about the bucket
function place.of(request, domain)
  local host, path = request.host:gsub(":%d*$", ""):lower(), request.path
  local bucket = host:sub(-#domain - 1) == "." .. domain:lower() and host:sub(1, -#domain - 2) or nil
  local key
  if bucket then key = path:sub(2) else bucket, key = path:match "^/([^/]*)/?(.*)$" end
  if not bucket or bucket == "" then return nil end
  return bucket, key ~= "" and key or nil
end

---The key of an object's node.
---@param bucket string
---@param key? string
---@return string
function place.name(bucket, key) return bucket .. "/" .. (key or "") end

return place
