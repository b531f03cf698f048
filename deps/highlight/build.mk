# The two styles that were made for legibility: every colour on its ground has
# the contrast that WCAG asks for.
install:
	mkdir -p $(PREFIX)/share
	cp $(SOURCE)/highlight.min.js $(PREFIX)/share
	cp $(SOURCE)/styles/a11y-light.min.css $(PREFIX)/share/highlight-light.min.css
	cp $(SOURCE)/styles/a11y-dark.min.css $(PREFIX)/share/highlight-dark.min.css
	cp $(SOURCE)/LICENSE $(PREFIX)/LICENCE
