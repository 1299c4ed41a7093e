---What `help` says of commands: those who have some put it here.

---@type { page: fun(name: string): string? }
return { page = function() end }
