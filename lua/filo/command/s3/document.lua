---Answers that are a document.

local xml = require "filo.command.s3.xml"

local document = {}

---@param name string  of its root
---@param elements filo.s3.Element[]
---@return table answer  as a handler of HTTP gives it
function document.answer(name, elements)
  return { headers = { ["Content-Type"] = "application/xml" }, body = xml.document(name, elements) }
end

---Whose all buckets are: the node's.
---@param node filo.Node
---@return filo.s3.Element[]
function document.owner(node) return { { "ID", node.id }, { "DisplayName", node.id } } end

return document
