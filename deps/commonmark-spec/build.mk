install:
	mkdir -p $(PREFIX)/share
	cp $(SOURCE)/spec.txt $(PREFIX)/share
	cp $(SOURCE)/LICENSE $(PREFIX)/LICENCE
