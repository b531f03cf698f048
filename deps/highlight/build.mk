# The common languages, which come in one file, and more that people write
# about. The theme has colours of its own.
more := awk clojure cmake coq dart dns dockerfile elixir elm erlang fsharp haskell julia latex lisp \
        llvm nginx nix ocaml powershell protobuf reasonml scala scheme tcl verilog vhdl vim x86asm

install:
	mkdir -p $(PREFIX)/share
	cat $(SOURCE)/highlight.min.js $(patsubst %,$(SOURCE)/languages/%.min.js,$(more)) \
	    > $(PREFIX)/share/highlight.min.js
	cp $(SOURCE)/LICENSE $(PREFIX)/LICENCE
