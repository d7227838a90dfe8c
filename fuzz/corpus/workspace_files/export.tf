tf
import {
  to = segment_function.id-dfn_1
}
resource "segment_function" "id-dfn_1" {
  code = "a $${b} %%{ \u00e9 \\n"
  settings = [{ "@a" : -1.5e3, b = null }, [true]]
  text = <<-E
      a $${b}
    c
  E
  settings { name = jsonencode({ a = ["x"] }) }
}
