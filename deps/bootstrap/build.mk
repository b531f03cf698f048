install:
	mkdir -p $(PREFIX)/share
	cp $(SOURCE)/dist/css/bootstrap.min.css $(SOURCE)/dist/js/bootstrap.bundle.min.js $(PREFIX)/share
	cp $(SOURCE)/LICENSE $(PREFIX)/LICENCE
