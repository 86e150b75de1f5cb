package javax.annotation;

/** What the generated classes are marked with; it left the JDK with Java 11, and nothing reads it. */
public @interface Generated {
    String[] value();

    String comments() default "";
}
