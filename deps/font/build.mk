# The upright face with its weight axis, in four scripts, and a style sheet
# that lets a browser load only what a page needs.
scripts = latin latin-ext greek cyrillic
files   = $(patsubst %,inter-%-wght-normal.woff2,$(scripts))

install:
	mkdir -p $(PREFIX)/share
	cp $(addprefix $(SOURCE)/files/,$(files)) $(PREFIX)/share
	sed 's|url(\./files/|url(|' $(SOURCE)/index.css | \
	    awk -v RS= -v wanted=' $(files) ' -v ORS='\n\n' \
	    'match($$0, /inter-[a-z-]*\.woff2/) && index(wanted, " " substr($$0, RSTART, RLENGTH) " ")' \
	    > $(PREFIX)/share/inter.css
	test $$(grep -c '@font-face' $(PREFIX)/share/inter.css) -eq $(words $(files))
	cp $(SOURCE)/LICENSE $(PREFIX)/LICENCE
