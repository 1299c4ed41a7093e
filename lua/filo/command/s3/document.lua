---Answers that are a document.

local xml = require "filo.command.s3.xml"

local document = {}

---@param name string  of its root
---@param elements filo.s3.Element[]
---@return table answer  as a handler of HTTP gives it
function document.answer(name, elements)
  return { headers = { ["Content-Type"] = "application/xml" }, body = xml.document(name, elements) }
end

---Done, and nothing to be said of it: a body, were it a word, would be read as a document.
---@return table answer
function document.done() return { status = 200 } end

---Whose all buckets are: the node's.
---@param node filo.Node
---@return filo.s3.Element[]
function document.owner(node) return { { "ID", node.id }, { "DisplayName", node.id } } end

return document
