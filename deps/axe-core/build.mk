install:
	mkdir -p $(PREFIX)/share
	cp $(SOURCE)/axe.min.js $(PREFIX)/share
	cp $(SOURCE)/LICENSE $(PREFIX)/LICENCE
