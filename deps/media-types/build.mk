# From a database of types to lines of `type extension`, in which every
# extension stands once.
install:
	mkdir -p $(PREFIX)/share
	awk -f table.awk $(SOURCE)/db.json | LC_ALL=C sort > $(PREFIX)/share/mime.types
	test $$(wc -l < $(PREFIX)/share/mime.types) -gt 1000
	cp $(SOURCE)/LICENSE $(PREFIX)/LICENCE
