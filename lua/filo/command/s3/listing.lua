---Objects of a bucket, a page at a time. Bucket `b` is what a node's keys have below the prefix `b/`; the object with just that key is no
---object of S3: it marks a bucket that may be empty.

local level = require "filo.command.level"

local listing = {}

---@class filo.s3.Page
---@field contents filo.s3.Object[]
---@field prefixes string[]  that several objects have in common, up to a delimiter
---@field more? string  the last name of the page, when there are others

---@class filo.s3.Object
---@field key string
---@field size integer
---@field version integer
---@field etag? string

---What lies in a bucket first in the order of keys: its marker, where it has one.
---@param node filo.Node
---@param bucket string
---@return filo.KeyItem?
function listing.first(node, bucket) return node:keys(bucket .. "/")() end

---@param node filo.Node
---@param bucket string
---@return boolean
function listing.is_empty(node, bucket)
  local prefix = bucket .. "/"
  return node:keys(prefix, nil, prefix)() == nil
end

---@param node filo.Node
---@param bucket string
---@param given {prefix: string, delimiter?: string, after?: string, most: integer}  after: names up to this one are passed over
---@return filo.s3.Page
function listing.page(node, bucket, given)
  local page, base, count, last = { contents = {}, prefixes = {} }, bucket .. "/", 0, nil
  if given.most == 0 then return page end
  for name, item, is_folder in level(node, base .. given.prefix, given.delimiter, base .. (given.after or "")) do
    if count == given.most then
      page.more = last
      break
    end
    count, last = count + 1, name:sub(#base + 1)
    if is_folder then
      table.insert(page.prefixes, last)
    else
      table.insert(page.contents, { key = last, size = item.size, version = item.version, etag = item.etag })
    end
  end
  return page
end

return listing
