---quick(fn, ...): calls fn, and fails when it computes for a second: as what goes over a long text from each of its bytes does.

return function(fn, ...)
  local start = os.clock()
  fn(...)
  assert(os.clock() - start < 1, "it takes much longer than its text is long")
end
