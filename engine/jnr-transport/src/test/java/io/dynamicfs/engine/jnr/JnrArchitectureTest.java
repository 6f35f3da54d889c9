package io.dynamicfs.engine.jnr;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** This module is the only one that knows libfuse, and of the core it uses what a transport needs. */
class JnrArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.dynamicfs");

    @Test
    void theCoreDoesNotKnowLibfuse() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.dynamicfs.engine.jnr..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.dynamicfs.engine.jnr..", "ru.serce..", "jnr..")
                .check(CLASSES);
    }

    @Test
    void itUsesTheDoorsOfTheCore() {
        classes()
                .that()
                .resideInAPackage("io.dynamicfs.engine.jnr..")
                .should()
                .onlyDependOnClassesThat(resideInAPackage("io.dynamicfs.engine.jnr..")
                        .or(resideInAPackage("io.dynamicfs.engine.mount"))
                        .or(resideInAPackage("io.dynamicfs.engine.fs"))
                        .or(resideInAPackage("io.dynamicfs.engine.syscall"))
                        .or(resideInAPackage("io.dynamicfs.engine.format"))
                        .or(resideInAPackage("java.."))
                        .or(resideInAPackage("jnr.."))
                        .or(resideInAPackage("ru.serce.."))
                        .or(resideInAPackage("org.slf4j.."))
                        .or(resideInAPackage("org.jspecify..")))
                .check(CLASSES);
    }
}
