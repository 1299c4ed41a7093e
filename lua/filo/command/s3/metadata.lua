---What S3 keeps of an object beside its content: in its fields, under "s3", but for the media type, which is there for all.
---
---    headers   table<string, string>  those that are given back as they came
---    meta      table<string, string>  x-amz-meta-*
---    tags      {[1]: string, [2]: string}[]
---    sums      table<string, string>  checksums of the content, raw, by their names
---    acl       string  "public-read": anybody may read it
---    composite integer  where these are of the checksums of so many parts
---    parts     {[1]: integer, [2]: integer}[]  sizes of the parts that it was uploaded in, and how many of that one follow

local etag = require "filo.command.s3.etag"
local failure = require "filo.command.s3.failure"

local metadata = {}

local HEADERS = { "cache-control", "content-disposition", "content-encoding", "content-language", "expires" }

---Versions that may come while one is changed.
local TRIES = 10

---Bytes of names and values of x-amz-meta-*.
local META_MOST = 2048

---What is said of how the body comes is not about the object.
local function encoding_of(text)
  local rest = {}
  for word in (text or ""):gmatch "[^,%s]+" do
    if word:lower() ~= "aws-chunked" then rest[#rest + 1] = word end
  end
  return rest[1] and table.concat(rest, ", ") or nil
end

---@return table<string, string>?
local function meta_of(headers)
  local meta, bytes = {}, 0
  for name, value in pairs(headers) do
    local rest = name:match "^x%-amz%-meta%-(.+)$"
    if rest then
      meta[rest] = value
      bytes = bytes + #rest + #value
    end
  end
  if bytes > META_MOST then return nil end
  return meta
end

---What a request that makes an object says of it.
---@param headers table<string, string>
---@return table? fields
---@return table? failure
function metadata.of(headers)
  local kept = {}
  for _, name in ipairs(HEADERS) do kept[name] = headers[name] end
  kept["content-encoding"] = encoding_of(headers["content-encoding"])
  local meta = meta_of(headers)
  if not meta then return nil, failure.of "MetadataTooLarge" end
  return { ["content-type"] = headers["content-type"], s3 = { headers = kept, meta = meta } }
end

local function is_line(value) return type(value) == "string" and not value:find "[\0-\8\10-\31\127]" end

local function put(headers, name, value)
  if is_line(value) then headers[name] = value end
end

---@param item table  as `stat` gives it, or an object
---@return table  what S3 has kept of it; of one that did not come by S3: nothing
function metadata.kept(item)
  local kept = item.fields and item.fields.s3
  return type(kept) == "table" and kept or {}
end

---The headers that tell of an object.
---@param item table  as `stat` gives it, or an object
---@return table<string, any>
function metadata.headers(item)
  local kept = metadata.kept(item)
  local headers = { ETag = etag.quoted(item), ["Last-Modified"] = item.version // 1000000, ["Accept-Ranges"] = "bytes" }
  put(headers, "Content-Type", item.fields and item.fields["content-type"] or "binary/octet-stream")
  for _, name in ipairs(HEADERS) do put(headers, name, kept.headers and kept.headers[name]) end
  for name, value in pairs(kept.meta or {}) do
    if not name:find "[^%w!#$%%&'*+%-.^_`|~]" then put(headers, "x-amz-meta-" .. name, value) end
  end
  if kept.tags and kept.tags[1] then headers["x-amz-tagging-count"] = #kept.tags end
  return headers
end

---Puts other fields beside the content of a version; "exists": another one has come meanwhile, with its own. Who does not own the namespace
---cannot tell.
---@param node filo.Node
---@param name string
---@param version integer
---@param fields table
---@return filo.Receipt?, filo.Error?
function metadata.amend(node, name, version, fields)
  local receipt, err = node:amend(name, { fields = fields, expected = version })
  if receipt or err.code ~= "unsupported" then return receipt, err end
  return node:amend(name, { fields = fields })
end

---Changes what is kept of an object; once more where another version has come meanwhile, a few times.
---@param node filo.Node
---@param name string
---@param edit fun(kept: table)
---@return filo.Receipt?, filo.Error?
function metadata.change(node, name, edit)
  local receipt, err
  for _ = 1, TRIES do
    local item, problem = node:stat(name)
    if not item then return nil, problem end
    local fields = item.fields or {}
    fields.s3 = metadata.kept(item)
    edit(fields.s3)
    receipt, err = metadata.amend(node, name, item.version, fields)
    if receipt or err.code ~= "exists" then break end
  end
  return receipt, err
end

return metadata
