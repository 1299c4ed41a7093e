---@meta
---CBOR (RFC 8949) for messages: nil, booleans, 64-bit integers, doubles, strings and tables, at most 16 within one
---another and 131072 values in all.

---@class filo.core.cbor
local cbor = {}

---A table with keys 1 to n is an array, any other a map with strings and integers as keys. Valid UTF-8 is text, other
---strings are bytes. Raises an error for what cannot be encoded. Calls no metamethods.
---@param value any
---@return string bytes
function cbor.encode(value) end

---Reads one value. The bytes may be anybody's: no input makes it raise an error. A null within a table is no entry.
---@param bytes string
---@return any value
---@return filo.Error? err
function cbor.decode(bytes) end

return cbor
