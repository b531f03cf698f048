# NODE_PATH=PREFIX/share finds it.
install:
	mkdir -p $(PREFIX)/share
	cp -R $(SOURCE) $(PREFIX)/share/playwright-core
	cp $(SOURCE)/LICENSE $(PREFIX)/LICENCE
