---Sweeping: what is kept of copies that came in part goes after some days, and what lies in the trash after its time, also where a node
---runs on and on.

---@param given {host: filo.Host, disk: table, tasks: filo.Tasks, trash: filo.Trash}
return function(given)
  local host, disk = given.host, given.disk
  given.tasks:spawn(function()
    while true do
      host.sleep(host.limits.sweep)
      disk:sweep()
      given.trash:sweep()
    end
  end)
end
