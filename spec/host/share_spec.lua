local new_share = require "filo.host.share"

describe("a share", function()
  it("is what one likes while there is enough, and then an equal part", function()
    local share = new_share(10)
    local first <close> = share:take("a", 8)
    assert.is_table(first)
    assert.is_nil(share:take("a", 3))
    local second <close> = share:take("b", 5)
    assert.is_table(second)
    assert.is_nil(share:take("b", 1))
    assert.is_nil(share:take("a", 1))
    assert.is_nil(share:take("c", 4))
    local third <close> = share:take("c", 3)
    assert.is_table(third)
  end)

  it("can be taken again when it was given back", function()
    local share = new_share(10)
    for _ = 1, 3 do
      do
        local all <close> = share:take("a", 10)
        assert.is_table(all)
      end
      local other <close> = share:take("b", 10)
      assert.is_table(other)
      assert.is_nil(share:take("b", 1))
    end
    assert.equal(0, share.total)
    assert.equal(0, share.many)
  end)
end)
