---Entity tags as S3 has them: the MD5 of the content where that was made, else something that does not look like one.

local etag = {}

---@param item {etag?: string, version: integer}
---@return string
function etag.of(item) return item.etag or ("%032x-1"):format(item.version) end

---As a header has it.
---@param tag string
---@return string
function etag.quote(tag) return '"' .. tag .. '"' end

---@param item {etag?: string, version: integer}
---@return string
function etag.quoted(item) return etag.quote(etag.of(item)) end

return etag
