---Elements of XML that was read (filo.core.xml).

local element = {}

---@param tree filo.XmlElement
---@param name string
---@return filo.XmlElement?  the first child that is called so
function element.child(tree, name)
  for _, child in ipairs(tree) do
    if child.name == name then return child end
  end
  return nil
end

---@param tree filo.XmlElement
---@return table<string, string>  the texts of its children, by their names
function element.texts(tree)
  local texts = {}
  for _, child in ipairs(tree) do texts[child.name] = child.text end
  return texts
end

return element
