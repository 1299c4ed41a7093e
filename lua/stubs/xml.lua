---@meta
---XML 1.0, as far as programs send it to one another: elements and text. Attributes, comments and instructions are passed over.

---@class filo.core.xml
local xml = {}

---@class filo.XmlElement
---@field name string  without the prefix of its namespace
---@field text string  what is directly in it, joined: also the blanks between elements
---@field [integer] filo.XmlElement  those in it, in their order

---Reads a document of at most 4 MiB, 65536 elements and 16 levels. The text may be anybody's: no input makes it raise an error. Document
---types, and so entities of one's own, are refused.
---@param text string  in UTF-8, or as its declaration says
---@return filo.XmlElement? root
---@return filo.Error? err  "invalid", with the line
function xml.parse(text) end

return xml
